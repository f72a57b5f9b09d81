//! Messages to bytes and back.
//!
//! Written by hand: the guard links no serializer and allocates little. Numbers are little-endian,
//! byte strings carry their length as 32 bits, a descriptor is one byte that says whether there is
//! one. Bytes that are no message are [`Malformed`]; no input makes this panic, and nothing is
//! reserved on the word of a length that the input does not cover.

use std::ffi::CString;

use crate::base::{ExitStatus, Invocation, Limit, Resource, Shares, Signal, Size, SpawnFailure, Stage};
use crate::guard::protocol::{
    Credentials, Event, Grouping, Groups, Install, Launch, LifeState, Message, NAME_MAX, Request, Scope,
    Source, Spawn,
};

/// Bytes that are no message of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no message of the guard's protocol")]
pub(super) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// A message that has a form in bytes.
pub(super) trait Codec<F>: Sized {
    /// Appends the message to `out` and its descriptors to `fds`.
    fn encode(self, out: &mut Vec<u8>, fds: &mut Vec<F>);

    /// Reads the message that `bytes` consist of, taking its descriptors from `fds`; those that are
    /// missing there were lost on the way.
    ///
    /// # Errors
    /// `Malformed` when the bytes are no such message, or more than one.
    fn decode(bytes: &[u8], fds: &mut dyn Iterator<Item = F>) -> Result<Self>;
}

impl<F> Codec<F> for Request<F> {
    fn encode(self, out: &mut Vec<u8>, fds: &mut Vec<F>) {
        match self {
            Self::Spawn(spawn) => {
                out.push(0);
                put_spawn(*spawn, out, fds);
            }
            Self::Signal { invocation, signal, scope } => {
                out.push(1);
                put_invocation(invocation, out);
                put_signal(signal, out);
                out.push(scope as u8);
            }
            Self::Keep { key, fd } => {
                out.push(2);
                put_bytes(&key, out);
                put_fd(fd, out, fds);
            }
            Self::Drop { key } => {
                out.push(3);
                put_bytes(&key, out);
            }
            Self::Ack { up_to } => {
                out.push(4);
                put_u64(up_to, out);
            }
            Self::Goodbye { code } => {
                out.push(5);
                out.push(code);
            }
            Self::Share { invocation, shares } => {
                out.push(6);
                put_invocation(invocation, out);
                put_shares(shares, out);
            }
        }
    }

    fn decode(bytes: &[u8], fds: &mut dyn Iterator<Item = F>) -> Result<Self> {
        let mut reader = Reader { rest: bytes };
        let request = match reader.u8()? {
            0 => Self::Spawn(Box::new(read_spawn(&mut reader, fds)?)),
            1 => Self::Signal {
                invocation: reader.invocation()?,
                signal: reader.signal()?,
                scope: reader.scope()?,
            },
            2 => Self::Keep { key: reader.name()?, fd: reader.fd(fds)? },
            3 => Self::Drop { key: reader.name()? },
            4 => Self::Ack { up_to: reader.u64()? },
            5 => Self::Goodbye { code: reader.u8()? },
            6 => Self::Share { invocation: reader.invocation()?, shares: reader.shares()? },
            _ => return Err(Malformed),
        };
        reader.end(request)
    }
}

impl<F> Codec<F> for Message<F> {
    fn encode(self, out: &mut Vec<u8>, fds: &mut Vec<F>) {
        match self {
            Self::Hello { version, groups } => {
                out.push(0);
                out.extend_from_slice(&version.to_le_bytes());
                let Groups { leaves, memory, cpu, pids, lacking, cleared } = groups;
                out.extend([leaves, memory, cpu, pids].map(u8::from));
                put_bytes(lacking.as_bytes(), out);
                put_u32(cleared, out);
            }
            Self::Life { invocation, tag, state } => {
                out.push(1);
                put_invocation(invocation, out);
                put_bytes(&tag, out);
                put_life_state(state, out, fds);
            }
            Self::Kept { key, fd } => {
                out.push(2);
                put_bytes(&key, out);
                put_fd(fd, out, fds);
            }
            Self::Ready => out.push(3),
            Self::Event { number, event } => {
                out.push(4);
                put_u64(number, out);
                put_event(event, out, fds);
            }
        }
    }

    fn decode(bytes: &[u8], fds: &mut dyn Iterator<Item = F>) -> Result<Self> {
        let mut reader = Reader { rest: bytes };
        let message = match reader.u8()? {
            0 => Self::Hello { version: u16::from_le_bytes(reader.array()?), groups: reader.groups()? },
            1 => Self::Life {
                invocation: reader.invocation()?,
                tag: reader.name()?,
                state: read_life_state(&mut reader, fds)?,
            },
            2 => Self::Kept { key: reader.name()?, fd: reader.fd(fds)? },
            3 => Self::Ready,
            4 => Self::Event { number: reader.u64()?, event: read_event(&mut reader, fds)? },
            _ => return Err(Malformed),
        };
        reader.end(message)
    }
}

fn put_life_state<F>(state: LifeState<F>, out: &mut Vec<u8>, fds: &mut Vec<F>) {
    match state {
        LifeState::Launching => out.push(0),
        LifeState::Running { pid, pidfd } => {
            out.push(1);
            put_u32(pid, out);
            put_fd(pidfd, out, fds);
        }
        LifeState::Lingering { exit } => {
            out.push(2);
            put_exit(exit, out);
        }
    }
}

fn read_life_state<F>(reader: &mut Reader<'_>, fds: &mut dyn Iterator<Item = F>) -> Result<LifeState<F>> {
    Ok(match reader.u8()? {
        0 => LifeState::Launching,
        1 => LifeState::Running { pid: reader.u32()?, pidfd: reader.fd(fds)? },
        2 => LifeState::Lingering { exit: reader.exit()? },
        _ => return Err(Malformed),
    })
}

fn put_event<F>(event: Event<F>, out: &mut Vec<u8>, fds: &mut Vec<F>) {
    match event {
        Event::Spawned { invocation, pid, pidfd } => {
            out.push(0);
            put_invocation(invocation, out);
            put_u32(pid, out);
            put_fd(pidfd, out, fds);
        }
        Event::SpawnFailed { invocation, failure } => {
            out.push(1);
            put_invocation(invocation, out);
            out.push(failure.stage as u8);
            out.extend_from_slice(&failure.errno.to_le_bytes());
        }
        Event::Exited { invocation, exit, stragglers } => {
            out.push(2);
            put_invocation(invocation, out);
            put_exit(exit, out);
            out.push(u8::from(stragglers));
        }
        Event::Emptied { invocation } => {
            out.push(3);
            put_invocation(invocation, out);
        }
        Event::SignalReceived { signal } => {
            out.push(4);
            put_signal(signal, out);
        }
    }
}

fn read_event<F>(reader: &mut Reader<'_>, fds: &mut dyn Iterator<Item = F>) -> Result<Event<F>> {
    Ok(match reader.u8()? {
        0 => Event::Spawned { invocation: reader.invocation()?, pid: reader.u32()?, pidfd: reader.fd(fds)? },
        1 => Event::SpawnFailed {
            invocation: reader.invocation()?,
            failure: SpawnFailure { stage: reader.stage()?, errno: i32::from_le_bytes(reader.array()?) },
        },
        2 => Event::Exited {
            invocation: reader.invocation()?,
            exit: reader.exit()?,
            stragglers: reader.flag()?,
        },
        3 => Event::Emptied { invocation: reader.invocation()? },
        4 => Event::SignalReceived { signal: reader.signal()? },
        _ => return Err(Malformed),
    })
}

fn put_spawn<F>(spawn: Spawn<F>, out: &mut Vec<u8>, fds: &mut Vec<F>) {
    let Spawn { invocation, tag, launch, grouping, fds: installs } = spawn;
    put_invocation(invocation, out);
    put_bytes(&tag, out);
    put_launch(&launch, out);
    put_grouping(&grouping, out);
    put_count(installs.len(), out);
    for Install { target, source } in installs {
        out.extend_from_slice(&target.to_le_bytes());
        match source {
            Source::Null => out.push(0),
            Source::Passed(fd) => {
                out.push(1);
                put_fd(fd, out, fds);
            }
            Source::Kept(key) => {
                out.push(2);
                put_bytes(&key, out);
            }
        }
    }
}

fn read_spawn<F>(reader: &mut Reader<'_>, fds: &mut dyn Iterator<Item = F>) -> Result<Spawn<F>> {
    let invocation = reader.invocation()?;
    let tag = reader.name()?;
    let launch = read_launch(reader)?;
    let grouping = reader.grouping()?;
    let mut installs = Vec::new();
    for _ in 0..reader.u32()? {
        let target = u16::from_le_bytes(reader.array()?);
        let source = match reader.u8()? {
            0 => Source::Null,
            1 => Source::Passed(reader.fd(fds)?),
            2 => Source::Kept(reader.name()?),
            _ => return Err(Malformed),
        };
        installs.push(Install { target, source });
    }
    Ok(Spawn { invocation, tag, launch, grouping, fds: installs })
}

fn put_launch(launch: &Launch, out: &mut Vec<u8>) {
    let Launch { program, argv, env, cwd, umask, credentials, limits, nice, session, own_pid } = launch;
    put_bytes(program.as_bytes(), out);
    for list in [argv, env] {
        put_count(list.len(), out);
        for text in list {
            put_bytes(text.as_bytes(), out);
        }
    }
    put_option(cwd.as_ref(), out, |cwd, out| put_bytes(cwd.as_bytes(), out));
    put_option(umask.as_ref(), out, |mask, out| put_u32(*mask, out));
    put_option(credentials.as_ref(), out, |Credentials { uid, gid, groups }, out| {
        put_u32(*uid, out);
        put_u32(*gid, out);
        put_count(groups.len(), out);
        groups.iter().for_each(|group| put_u32(*group, out));
    });
    put_count(limits.len(), out);
    for Limit { resource, soft, hard } in limits {
        out.push(*resource as u8);
        put_u64(*soft, out);
        put_u64(*hard, out);
    }
    put_option(nice.as_ref(), out, |nice, out| out.extend_from_slice(&nice.to_le_bytes()));
    out.push(u8::from(*session));
    put_count(own_pid.len(), out);
    own_pid.iter().for_each(|name| put_bytes(name.as_bytes(), out));
}

fn read_launch(reader: &mut Reader<'_>) -> Result<Launch> {
    Ok(Launch {
        program: reader.c_string()?,
        argv: reader.list(Reader::c_string)?,
        env: reader.list(Reader::c_string)?,
        cwd: reader.option(Reader::c_string)?,
        umask: reader.option(Reader::u32)?,
        credentials: reader.option(|reader| {
            Ok(Credentials { uid: reader.u32()?, gid: reader.u32()?, groups: reader.list(Reader::u32)? })
        })?,
        limits: reader.list(|reader| {
            Ok(Limit { resource: reader.resource()?, soft: reader.u64()?, hard: reader.u64()? })
        })?,
        nice: reader.option(|reader| Ok(i8::from_le_bytes(reader.array()?)))?,
        session: reader.flag()?,
        own_pid: reader.list(Reader::c_string)?,
    })
}

fn put_grouping(grouping: &Grouping, out: &mut Vec<u8>) {
    match grouping {
        Grouping::Shared => out.push(0),
        Grouping::Own { name, shares } => {
            out.push(1);
            put_bytes(name, out);
            put_shares(*shares, out);
        }
        Grouping::Under(invocation) => {
            out.push(2);
            put_invocation(*invocation, out);
        }
    }
}

fn put_shares(Shares { memory, cpu, pids }: Shares, out: &mut Vec<u8>) {
    put_option(memory.as_ref(), out, |memory, out| put_u64(memory.0, out));
    put_option(cpu.as_ref(), out, |cpu, out| put_u64(*cpu, out));
    put_option(pids.as_ref(), out, |pids, out| put_u32(*pids, out));
}

fn put_u32(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_u64(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Lengths past 32 bits cannot travel: the channel refuses a message long before.
fn put_count(count: usize, out: &mut Vec<u8>) {
    put_u32(u32::try_from(count).unwrap_or(u32::MAX), out);
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_count(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn put_invocation(invocation: Invocation, out: &mut Vec<u8>) {
    put_u64(invocation.0, out);
}

fn put_signal(signal: Signal, out: &mut Vec<u8>) {
    out.push(signal.number() as u8);
}

fn put_exit(exit: ExitStatus, out: &mut Vec<u8>) {
    let (kind, value) = match exit {
        ExitStatus::Code(code) => (0, code),
        ExitStatus::Signal(signal) => (1, signal.number()),
        ExitStatus::Unknown => (2, 0),
        ExitStatus::OutOfMemory { .. } => (3, 0),
    };
    out.push(kind);
    out.extend_from_slice(&value.to_le_bytes());
    if let ExitStatus::OutOfMemory { limit } = exit {
        put_option(limit.as_ref(), out, |limit, out| put_u64(limit.0, out));
    }
}

fn put_fd<F>(fd: Option<F>, out: &mut Vec<u8>, fds: &mut Vec<F>) {
    out.push(u8::from(fd.is_some()));
    fds.extend(fd);
}

fn put_option<T>(value: Option<&T>, out: &mut Vec<u8>, put: impl FnOnce(&T, &mut Vec<u8>)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(value, out);
    }
}

/// What is left of a message's bytes.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn flag(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let count = self.u32()?;
        self.take(usize::try_from(count).map_err(|_| Malformed)?)
    }

    fn name(&mut self) -> Result<Vec<u8>> {
        let name = self.bytes()?;
        if name.len() > NAME_MAX { Err(Malformed) } else { Ok(name.to_vec()) }
    }

    fn c_string(&mut self) -> Result<CString> {
        CString::new(self.bytes()?).map_err(|_| Malformed)
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut list = Vec::new();
        for _ in 0..self.u32()? {
            list.push(read(self)?);
        }
        Ok(list)
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    fn fd<F>(&mut self, fds: &mut dyn Iterator<Item = F>) -> Result<Option<F>> {
        Ok(if self.flag()? { fds.next() } else { None })
    }

    fn invocation(&mut self) -> Result<Invocation> {
        Ok(Invocation(self.u64()?))
    }

    fn signal(&mut self) -> Result<Signal> {
        Signal::from_number(i32::from(self.u8()?)).ok_or(Malformed)
    }

    fn scope(&mut self) -> Result<Scope> {
        match self.u8()? {
            0 => Ok(Scope::Main),
            1 => Ok(Scope::Group),
            2 => Ok(Scope::Everything),
            _ => Err(Malformed),
        }
    }

    fn stage(&mut self) -> Result<Stage> {
        let number = self.u8()?;
        Stage::ALL.iter().copied().find(|stage| *stage as u8 == number).ok_or(Malformed)
    }

    fn resource(&mut self) -> Result<Resource> {
        let number = self.u8()?;
        Resource::ALL.iter().copied().find(|resource| *resource as u8 == number).ok_or(Malformed)
    }

    fn exit(&mut self) -> Result<ExitStatus> {
        let (kind, value) = (self.u8()?, i32::from_le_bytes(self.array()?));
        match kind {
            0 => Ok(ExitStatus::Code(value)),
            1 => Signal::from_number(value).map(ExitStatus::Signal).ok_or(Malformed),
            2 if value == 0 => Ok(ExitStatus::Unknown),
            3 if value == 0 => Ok(ExitStatus::OutOfMemory { limit: self.option(Self::u64)?.map(Size) }),
            _ => Err(Malformed),
        }
    }

    fn shares(&mut self) -> Result<Shares> {
        Ok(Shares {
            memory: self.option(Self::u64)?.map(Size),
            cpu: self.option(Self::u64)?,
            pids: self.option(Self::u32)?,
        })
    }

    fn grouping(&mut self) -> Result<Grouping> {
        match self.u8()? {
            0 => Ok(Grouping::Shared),
            1 => Ok(Grouping::Own { name: self.name()?, shares: self.shares()? }),
            2 => Ok(Grouping::Under(self.invocation()?)),
            _ => Err(Malformed),
        }
    }

    fn groups(&mut self) -> Result<Groups> {
        Ok(Groups {
            leaves: self.flag()?,
            memory: self.flag()?,
            cpu: self.flag()?,
            pids: self.flag()?,
            lacking: String::from_utf8(self.name()?).map_err(|_| Malformed)?,
            cleared: self.u32()?,
        })
    }

    fn end<T>(&self, message: T) -> Result<T> {
        if self.rest.is_empty() { Ok(message) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests;
