#[cfg(test)]
mod needs;
#[cfg(test)]
mod real;
#[cfg(test)]
mod real_systems;
#[cfg(test)]
mod transport;
