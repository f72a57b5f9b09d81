//! An archive a kernel unpacks as its first file system: cpio(5), the "newc" form.

/// An archive in the making.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
    folders: Vec<String>,
}

impl Archive {
    /// Adds a folder.
    pub(super) fn folder(&mut self, name: &str) {
        self.entry(name, 0o040_755, &[]);
        self.folders.push(name.to_owned());
    }

    /// Adds a file that can be executed, and the folders it is in.
    pub(super) fn program(&mut self, name: &str, content: &[u8]) {
        for (end, _) in name.match_indices('/') {
            if !self.folders.iter().any(|known| *known == name[..end]) {
                self.folder(&name[..end]);
            }
        }
        self.entry(name, 0o100_755, content);
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).expect("a small file");
        let length = u32::try_from(name.len() + 1).expect("a short name");
        // Magic, then: inode, mode, uid, gid, links, time, size, device twice, special device twice, length of
        // the name with its end, checksum.
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, length, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
