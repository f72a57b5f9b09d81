//! Bytes to text, and why a file gave none, in words for a person.

use std::io;

/// Bytes that are not UTF-8: the first one that cannot be where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not UTF-8: byte 0x{byte:02X} at offset {offset}, line {line}, column {column}")]
pub struct NotUtf8 {
    /// The byte.
    pub byte: u8,
    /// How many bytes stand before it.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

/// Turns bytes into text.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidData`] with a [`NotUtf8`] in it.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..offset]);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let fault = NotUtf8 {
            byte: error.as_bytes().get(offset).copied().unwrap_or_default(),
            offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        };
        io::Error::new(io::ErrorKind::InvalidData, fault)
    })
}

/// Says why a file could not be read.
pub fn why(error: &io::Error) -> String {
    match error.kind() {
        _ if error.get_ref().is_some() => error.to_string(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is no folder".to_owned(),
        io::ErrorKind::FileTooLarge => "all files together pass 4 GiB".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_is_not_utf_8_is_named_with_its_place() {
        let error = text(b"a \"\xc3\xa9\"\nb \xc3\xa9\xff\xfe".to_vec()).expect_err("not UTF-8");
        assert_eq!(why(&error), "it is not UTF-8: byte 0xFF at offset 11, line 2, column 4");
        let cut = text(b"a\xe2\x82".to_vec()).expect_err("cut off");
        assert_eq!(why(&cut), "it is not UTF-8: byte 0xE2 at offset 1, line 1, column 2");
        assert_eq!(text(b"a\r\n".to_vec()).expect("UTF-8"), "a\r\n");
    }
}
