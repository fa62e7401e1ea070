WORKDIR /build/component

@path # The library, which is a dependency by path. buildDockerImages.sh passes its folder.
@path ARG KIT
@path COPY --from=kit Cargo.toml $KIT/
@path COPY --from=kit crates/valawai/Cargo.toml $KIT/crates/valawai/
@path COPY --from=kit crates/valawai/src $KIT/crates/valawai/src
@path 
# A layer with the dependencies, built from a stub. It is reused until Cargo.toml or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' >src/main.rs \
    && cargo build --config /target.toml --release --locked

# Cargo compares modification times, so the sources must be newer than the stub.
COPY asyncapi.yaml ./
COPY src src
RUN touch src/main.rs \
    && cargo build --config /target.toml --release --locked --offline \
    && install -D target/*-linux-gnu/release/{{name}} /image/app/{{name}} \
    && install -d -m 1777 /image/app/logs

