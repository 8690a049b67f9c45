#[cfg(test)]
mod needs;
#[cfg(test)]
mod real;
#[cfg(test)]
mod real_systems;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod batching;
#[cfg(test)]
mod caching;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod answers;
