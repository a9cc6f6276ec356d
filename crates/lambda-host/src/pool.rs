//! A function's execution environments: kept, shared out, and let go.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::environment::Environment;

/// Environments that have finished init, the one used last at the end.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Member>>);

struct Member {
    environment: Arc<Environment>,
    /// Invocations under way.
    busy: usize,
    /// When its last invocation ended.
    idle_since: Instant,
    /// It takes no more invocations: its program has been replaced.
    retired: bool,
}

/// A place in an environment for one invocation. Dropped before it is given
/// back, its process is killed: the invocation in it would go on for nobody.
pub(super) struct Lease {
    pool: Arc<Pool>,
    environment: Option<Arc<Environment>>,
}

impl Pool {
    /// A place in the environment used last, as its caches are warmest.
    pub(super) fn lease(self: &Arc<Self>) -> Option<Lease> {
        let mut members = self.lock();
        members.retain(|member| member.environment.is_usable());
        let free = |member: &Member| !member.retired && member.busy < member.environment.places();
        let place = members.iter().rposition(free)?;
        members[place].busy += 1;
        Some(Lease {
            pool: self.clone(),
            environment: Some(members[place].environment.clone()),
        })
    }

    /// Adds an environment that is idle.
    pub(super) fn add(&self, environment: Environment) {
        self.lock().push(Member {
            environment: Arc::new(environment),
            busy: 0,
            idle_since: Instant::now(),
            retired: false,
        });
    }

    /// Takes out those that have been idle for `longest`, and says when the next
    /// one may have been.
    pub(super) fn take_idle(&self, longest: Duration) -> (Vec<Arc<Environment>>, Instant) {
        let now = Instant::now();
        let taken = self.take_where(|member| {
            member.busy == 0 && now.duration_since(member.idle_since) >= longest
        });
        let oldest = self.lock().iter().map(|member| member.idle_since).min();
        // One that is busy now has its whole time still before it.
        let next = oldest.map_or(now, |oldest| oldest.max(now - longest)) + longest;
        (taken, next.max(now + Duration::from_millis(10)))
    }

    /// Takes out those that are idle; the others get no more invocations, and
    /// are given out by [`Lease::give_back`] when they have ended theirs.
    pub(super) fn retire(&self) -> Vec<Arc<Environment>> {
        let idle = self.take_where(|member| member.busy == 0);
        for member in self.lock().iter_mut() {
            member.retired = true;
        }
        idle
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn take_where(&self, wanted: impl Fn(&Member) -> bool) -> Vec<Arc<Environment>> {
        let taken = self
            .lock()
            .extract_if(.., |member| wanted(member))
            .collect::<Vec<_>>();
        taken.into_iter().map(|member| member.environment).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Its environment; none once it has been given back.
    pub(super) fn environment(&self) -> Option<&Arc<Environment>> {
        self.environment.as_ref()
    }

    /// Gives the place back after an invocation. An environment that is returned
    /// has had its last one, and is to be shut down.
    pub(super) fn give_back(mut self) -> Option<Arc<Environment>> {
        let environment = self.environment.take()?;
        let mut members = self.pool.lock();
        let is_it = |member: &Member| Arc::ptr_eq(&member.environment, &environment);
        let place = members.iter().position(is_it)?;
        let mut member = members.remove(place);
        member.busy -= 1;
        member.idle_since = Instant::now();
        if member.retired && member.busy == 0 {
            return Some(environment);
        }
        if environment.is_usable() {
            members.push(member);
        }
        None
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(environment) = self.environment.take() {
            environment.kill();
            let mut members = self.pool.lock();
            members.retain(|member| !Arc::ptr_eq(&member.environment, &environment));
        }
    }
}
