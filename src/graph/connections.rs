//! The fields of connections, edges and page infos.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionField {
    Nodes,
    Edges,
    PageInfo,
    TotalCount,
    Node,
    Cursor,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
    /// Of a merged list: whether everything that was asked for is there.
    Complete,
    /// Of a merged list: the roles of which something is missing.
    MissingSources,
    /// Of a merged list: records that were left out because nothing says when they happened.
    Undated,
}
