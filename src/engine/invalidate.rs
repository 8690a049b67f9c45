//! What an operator says that the cache holds no longer right.

use super::Engine;
use crate::cache::Tag;
use crate::graph::TypeId;
use crate::value::remote_key;

/// What is to be read anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// Everything of a type.
    Type(String),
    /// One object, by its opaque id.
    Entity(String),
    /// One object, by its type and its backend's own key.
    Key {
        ty: String,
        key: String,
    },
    /// Everything of a role.
    Role(String),
    /// Everything of the calls that have this word among their `tags`.
    Tag(String),
    All,
}

impl Engine {
    /// Drops all of it from the cache, also what is being read at this moment, for every tenant; or says what of it means nothing.
    pub fn invalidate(&self, list: &[Invalidation]) -> Result<(), String> {
        let mut tags = Vec::new();
        for one in list {
            match one {
                Invalidation::Type(ty) => tags.push(Tag::of_type(self.type_named(ty)?)),
                Invalidation::Entity(id) => {
                    let remote =
                        remote_key(id).ok_or_else(|| format!("`{id}` is no id of this graph"))?;
                    tags.extend(object(self.type_named(&remote.ty)?, &remote.key));
                }
                Invalidation::Key { ty, key } => tags.extend(object(self.type_named(ty)?, key)),
                Invalidation::Role(role) => tags.push(self.role_named(role)?),
                Invalidation::Tag(tag) => tags.push(self.tag_named(tag)?),
                Invalidation::All => {
                    tags.extend(self.graph.backends.iter().map(|one| Tag::of_role(&one.role)));
                }
            }
        }
        self.loader.cache.drop_tags(&tags);
        Ok(())
    }

    fn type_named(&self, name: &str) -> Result<TypeId, String> {
        self.graph.type_named(name).ok_or_else(|| format!("there is no type `{name}`"))
    }

    fn role_named(&self, name: &str) -> Result<Tag, String> {
        let role = self.graph.backends.iter().find(|backend| *backend.role == *name);
        let role = role.ok_or_else(|| format!("nobody plays the role `{name}`"))?;
        Ok(Tag::of_role(&role.role))
    }

    fn tag_named(&self, name: &str) -> Result<Tag, String> {
        let mut tags = self.graph.calls.iter().flat_map(|call| call.tags.iter());
        let tag = tags.find(|tag| ***tag == *name);
        Ok(Tag::of_word(tag.ok_or_else(|| format!("no call has the tag `{name}`"))?))
    }
}

/// What tells about an object, and what it may newly belong to.
fn object(ty: TypeId, key: &str) -> [Tag; 2] {
    [Tag::of_entity(ty, key), Tag::of_search(ty)]
}
