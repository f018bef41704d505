//! An endpoint's answer on its way to the client.

use http::{Response, Version};
use switchyard_upstream::{Answered, Body, Cluster};

use crate::channels;
use crate::exchange::Exchange;
use crate::forward;
use crate::selection::Grounds;

/// Passes on a response as it is, but for the fields of the endpoint's connection and what is for the gateway alone.
pub(crate) fn pass_on(
    exchange: &mut Exchange,
    answered: Answered,
    cluster: &Cluster,
    grounds: &Grounds,
) -> Response<Body> {
    let mut response = answered.response;
    exchange.served(&answered.endpoint, grounds.result(answered.place));
    // The client's connection has its own version, whichever the endpoint answers in.
    *response.version_mut() = Version::HTTP_11;
    forward::strip_hop_by_hop(response.headers_mut());
    channels::strip(response.headers_mut());
    grounds.remember(response.headers_mut(), cluster, &answered.endpoint);
    response
}
