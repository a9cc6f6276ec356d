//! The cache's contract: the real Momento SDK makes the same calls over each
//! transport and expects the same answers.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Each of these functions is a test of both transports of gRPC.
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

/// Each of these functions is a test of every transport.
macro_rules! on_every_transport {
    ($($name:ident),+ $(,)?) => {
        on_both_transports!($($name),+);

        mod protosocket {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(crate::world::World::protosocket().await).await;
                }
            )+
        }
    };
}

mod control;
mod dictionary;
mod every_transport;
mod faults;
mod http;
mod item;
mod limits;
mod list;
mod observer;
mod protosocket_only;
mod scalar;
mod server_only;
mod set;
mod sorted_set;
mod stub_only;
mod world;
