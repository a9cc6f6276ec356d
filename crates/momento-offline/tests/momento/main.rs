//! The cache's contract: the real Momento SDK makes the same calls over each
//! transport and expects the same answers.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Each of these functions is a test of the stub and a test of the server.
macro_rules! on_both_transports {
    ($($name:ident),+ $(,)?) => {
        mod stub {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(crate::world::World::stub().await).await;
                }
            )+
        }

        mod server {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(crate::world::World::server().await).await;
                }
            )+
        }
    };
}

mod control;
mod dictionary;
mod faults;
mod http;
mod item;
mod limits;
mod list;
mod scalar;
mod server_only;
mod set;
mod sorted_set;
mod stub_only;
mod world;
