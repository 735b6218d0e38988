# callme in an image: one binary on Debian, its own user, nothing that it writes outside /data.
#
#   docker build -t callme .
#   docker run --rm callme demo --script                            a whole call, without any account
#   docker run --rm --read-only --env-file .env -v callme:/data -p 3333:3333 callme    the server
#
# Base names are written out, so that every builder takes the same ones.

FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the build and are no part of a layer; the binary must leave its own. A checkout that is older than
# the last build looks unchanged to cargo: the crate itself is always compiled.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    touch src/lib.rs src/main.rs \
    && cargo build --locked --release --bin callme \
    && cp target/release/callme /usr/local/bin/callme

FROM docker.io/library/debian:bookworm-slim

LABEL org.opencontainers.image.title="callme" \
      org.opencontainers.image.description="Lets an AI agent phone the person it works for and talk with them" \
      org.opencontainers.image.licenses="MIT"

# A fixed number, so that a volume's owner and a platform's `runAsUser` can name it.
RUN groupadd --gid 10001 callme \
    && useradd --uid 10001 --gid callme --no-create-home --home-dir /data --shell /usr/sbin/nologin callme \
    && install --directory --owner=callme --group=callme --mode=700 /data

# The bundle only: Debian's package would bring the openssl program and its library along.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /usr/share/doc/callme/LICENSE
COPY --from=build /usr/local/bin/callme /usr/local/bin/callme

USER 10001:10001
WORKDIR /data
# What is to outlive a container lies here: mount a volume.
ENV CALLME_DATA_DIR=/data

# Where PORT is set, callme listens there, and `callme health` asks there.
EXPOSE 3333
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s --retries=3 CMD ["callme", "health"]

ENTRYPOINT ["callme"]
CMD ["serve"]
