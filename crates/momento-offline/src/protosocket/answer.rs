//! The commands of one connection, and their answers.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use momento_protos::protosocket::{
    cache::{
        AuthenticateResponse, CacheResponse, DeleteResponse, GetResponse, SetResponse,
        cache_response::Kind, unary::Command,
    },
    common::CommandError,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    faults::{AUTH, Verdict},
    keyspace::Keyspace,
    observer::{Called, Outcome},
    status::{Code, Status},
};

/// Text of a cache miss. Only this text tells the SDK a miss from a missing cache: both
/// are `NOT_FOUND`.
const MISS: &str = "Key not found";

/// The state of one connection.
pub(super) struct Session {
    keyspace: Arc<Keyspace>,
    /// Cancelled to close the connection.
    open: CancellationToken,
    authenticated: bool,
}

impl Session {
    pub(super) fn new(keyspace: Arc<Keyspace>, open: CancellationToken) -> Self {
        Self {
            keyspace,
            open,
            authenticated: false,
        }
    }

    /// Accepts a command. The connection polls the answer when it can send it.
    pub(super) fn accept(&mut self, command: Option<Command>) -> Answer {
        let Some(command) = command else {
            let status = Status::invalid("the message has no command");
            return self.answer(Err(status), None);
        };
        let (call, cache) = match &command {
            Command::Auth(_) => (AUTH, ""),
            _ if !self.authenticated => {
                let what = "the connection is not authenticated; its first command must be Auth";
                return self.answer(Err(Status::new(Code::Unauthenticated, what)), None);
            }
            Command::Get(get) => ("Get", &*get.namespace),
            Command::Set(set) => ("Set", &*set.namespace),
            Command::Delete(delete) => ("Delete", &*delete.namespace),
        };
        let began = self.keyspace.watch();
        let watched = began.and_then(|began| Watched::of(began, &command));
        let decision = self.keyspace.faults.decide(call, cache);
        if let Command::Auth(auth) = &command {
            // Before the answer, so that commands sent behind it are accepted.
            self.authenticated = decision.verdict == Verdict::Answer && !auth.token.is_empty();
        }
        let answer = match decision.verdict {
            Verdict::Answer => self.answer(Ok(command), watched),
            Verdict::Refuse(status) => {
                tell(&self.keyspace, watched, Outcome::Fault(status.code));
                self.answer(Err(status), None)
            }
            Verdict::BlackHole => {
                tell(&self.keyspace, watched, Outcome::NoAnswer);
                return self.never(decision.delay, None);
            }
            Verdict::DropConnection => {
                tell(&self.keyspace, watched, Outcome::NoAnswer);
                return self.never(decision.delay, Some(self.open.clone()));
            }
        };
        answer.after(decision.delay)
    }

    fn answer(&self, command: Result<Command, Status>, watched: Option<Watched>) -> Answer {
        Answer::Now(Some(Work {
            keyspace: self.keyspace.clone(),
            watched,
            command,
        }))
    }

    /// No answer: after `delay`, the call counts as refused and closes its connection.
    fn never(&self, delay: Duration, connection: Option<CancellationToken>) -> Answer {
        let keyspace = self.keyspace.clone();
        Answer::Later(Box::pin(async move {
            sleep(delay).await;
            keyspace.counters().refused();
            if let Some(connection) = connection {
                connection.cancel();
            }
            pending().await
        }))
    }
}

/// The answer to a command. A client that cancels the call drops it; a command that was
/// not yet answered is then not carried out.
pub(super) enum Answer {
    /// Carried out when first polled: the connection polls it when it can send it, so
    /// that a client that reads nothing makes no replies pile up.
    Now(Option<Work>),
    Later(Pin<Box<dyn Future<Output = CacheResponse> + Send>>),
}

impl Answer {
    fn after(self, delay: Duration) -> Self {
        if delay.is_zero() {
            return self;
        }
        Self::Later(Box::pin(async move {
            sleep(delay).await;
            self.await
        }))
    }
}

impl Future for Answer {
    type Output = CacheResponse;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CacheResponse> {
        match self.get_mut() {
            Self::Now(work) => match work.take() {
                Some(work) => Poll::Ready(work.carry_out()),
                None => Poll::Pending,
            },
            Self::Later(answer) => answer.as_mut().poll(context),
        }
    }
}

/// A command to carry out, or its refusal.
pub(super) struct Work {
    keyspace: Arc<Keyspace>,
    watched: Option<Watched>,
    command: Result<Command, Status>,
}

impl Work {
    fn carry_out(self) -> CacheResponse {
        let Self {
            keyspace,
            watched,
            command,
        } = self;
        let answered = command.and_then(|command| answer(&keyspace, command));
        tell(&keyspace, watched, outcome(&answered));
        let kind = answered.unwrap_or_else(|status| {
            keyspace.counters().refused();
            error(status.code, status.message)
        });
        // The connection sets the message id.
        CacheResponse {
            kind: Some(kind),
            ..CacheResponse::default()
        }
    }
}

fn outcome(answered: &Result<Kind, Status>) -> Outcome {
    match answered {
        Ok(Kind::Get(_)) => Outcome::Hit,
        Ok(Kind::Error(_)) => Outcome::Miss,
        Ok(_) => Outcome::Ok,
        Err(status) => Outcome::Refused(status.code),
    }
}

/// A command that the observer wants to know of.
pub(super) struct Watched {
    began: Instant,
    operation: &'static str,
    cache: String,
    key: Vec<u8>,
}

impl Watched {
    fn of(began: Instant, command: &Command) -> Option<Self> {
        let (operation, cache, key) = match command {
            Command::Auth(_) => return None,
            Command::Get(get) => ("Get", &get.namespace, &get.key),
            Command::Set(set) => ("Set", &set.namespace, &set.key),
            Command::Delete(delete) => ("Delete", &delete.namespace, &delete.key),
        };
        Some(Self {
            began,
            operation,
            cache: cache.clone(),
            key: key.clone(),
        })
    }
}

/// Tells the observer of a command that has ended.
fn tell(keyspace: &Keyspace, watched: Option<Watched>, outcome: Outcome) {
    if let Some(watched) = watched {
        let called = Called {
            cache: &watched.cache,
            operation: watched.operation,
            key: &watched.key,
            outcome,
            duration: Duration::ZERO,
        };
        keyspace.called(Some(watched.began), called);
    }
}

fn answer(keyspace: &Keyspace, command: Command) -> Result<Kind, Status> {
    let counters = keyspace.counters();
    Ok(match command {
        Command::Auth(auth) if auth.token.is_empty() => {
            return Err(Status::new(Code::Unauthenticated, "the API key is empty"));
        }
        Command::Auth(_) => Kind::Auth(AuthenticateResponse {}),
        Command::Get(get) => {
            let found = keyspace.get(&get.namespace, &get.key)?;
            counters.got(found.is_some());
            match found {
                Some(value) => Kind::Get(GetResponse { value }),
                None => error(Code::NotFound, MISS.to_owned()),
            }
        }
        Command::Set(set) => {
            let ttl = Duration::from_millis(set.ttl_milliseconds);
            keyspace.set(&set.namespace, set.key, set.value, ttl)?;
            counters.was_set();
            Kind::Set(SetResponse {})
        }
        Command::Delete(delete) => {
            keyspace.delete(&delete.namespace, &delete.key)?;
            counters.was_deleted();
            Kind::Delete(DeleteResponse {})
        }
    })
}

/// An error response. protosocket's codes are gRPC's.
fn error(code: Code, message: String) -> Kind {
    Kind::Error(CommandError {
        code: code as i32,
        message,
    })
}
