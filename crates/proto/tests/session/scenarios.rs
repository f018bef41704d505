//! One session after the other, each told as a story.

mod adoption;
mod closing;
mod ending;
mod injection;
mod input;
mod lifetime;
mod pings;
mod timers;
