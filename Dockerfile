# The image: the gateway and what it needs to run, and nothing else. docs/operations/image.md says how it is built, run and checked.
#
#   docker build --build-arg REVISION="$(git rev-parse --short=12 HEAD)" --tag switchyard .
#
# Each architecture is built on itself, or emulated (`--platform linux/arm64`): so its binary is the one that its compiler
# makes, and its libraries are those of its Debian.

# The compiler of rust-toolchain.toml, on Debian 12.
ARG BUILDER=rust:1.95.0-bookworm

FROM ${BUILDER} AS build
ARG TARGETARCH
ARG REVISION=unknown
WORKDIR /source
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY config/image/rootfs config/image/rootfs
# Kernels for arm64 have pages of 4, 16 or 64 KiB. jemalloc takes the page size of the machine that builds, and aborts where pages are
# larger; built for pages of 64 KiB (2^16) it works with all three.
RUN --mount=type=cache,id=switchyard-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=switchyard-target-${TARGETARCH},target=/source/target,sharing=locked \
    if [ "${TARGETARCH}" = arm64 ]; then export JEMALLOC_SYS_WITH_LG_PAGE=16; fi; \
    SWITCHYARD_REVISION="${REVISION}" cargo build --release --locked --bin switchyard \
    && config/image/rootfs /rootfs target/release/switchyard

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Switchyard" \
      org.opencontainers.image.description="A WebSocket edge gateway" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build --chown=0:0 /rootfs /
USER 65532:65532
# As examples listen: web, web with TLS, admin.
EXPOSE 8080 8443 9901
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/switchyard", "probe", "--ready", "--config", "/etc/switchyard/config/switchyard.yaml"]
ENTRYPOINT ["/switchyard"]
CMD ["run", "--config", "/etc/switchyard/config/switchyard.yaml"]
