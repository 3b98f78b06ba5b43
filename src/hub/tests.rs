//! The hub's stories, over real sockets.
