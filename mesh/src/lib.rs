//! What a running mesh is like: its cluster, its proxies and their ports, and its certificates.
