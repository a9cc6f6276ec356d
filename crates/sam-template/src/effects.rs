//! What the properties without effect mean here. Each type names its own.

/// Properties without effect, and what that means.
pub type Ignored = (&'static str, &'static [&'static str]);

/// Who may do what.
pub(super) const PERMISSIONS: &str = "permissions are not checked";
/// Versions and aliases.
pub(super) const DEPLOYMENT: &str =
    "a function has one version here, and every version and alias leads to it";
/// How a function is packed.
pub(super) const PACKAGE: &str =
    "the executable runs as it is: nothing is packed, unpacked or added to it";
/// Where a function runs.
pub(super) const MACHINE: &str =
    "functions run on this machine, with its network, disk and processor";
/// Logs, traces and metrics.
pub(super) const OBSERVABILITY: &str = "traces, log levels and metrics are not kept";
/// Keys and encryption.
pub(super) const ENCRYPTION: &str = "nothing is encrypted";
/// What happens to a failed asynchronous invocation.
pub(super) const ASYNCHRONOUS: &str =
    "a failed asynchronous invocation is retried and then dropped";
/// Texts that change nothing.
pub(super) const LABELS: &str = "labels are not kept";
/// Backups and the like.
pub(super) const OPERATIONS: &str = "backups, replicas and storage classes have no counterpart";
/// Capacity that AWS prepares.
pub(super) const CAPACITY: &str = "capacity is not prepared or limited";
/// Options of another kind of source.
pub(super) const OTHER_SOURCES: &str =
    "options of other event sources have no effect on a stream or queue";
