# keygate in an image of its own: one static file and the two folders that it writes.
#
#   docker build -t keygate --build-arg VERSION="$(git describe --tags --always)" .
#   docker run -v keygate-data:/var/lib/keygate -v "$PWD/keygate.yaml:/etc/keygate/keygate.yaml:ro" keygate
#
# Nothing here needs BuildKit.
FROM golang:1.26 AS build
WORKDIR /src

# A layer of its own: modules are downloaded again only when they change.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /image/usr/local/bin/keygate ./cmd/keygate

# Envoy comes in by group: run it as gid 65532, and it reaches the ext_authz socket and nothing else.
RUN mkdir -p /image/var/lib/keygate /image/run/keygate/envoy \
 && chmod 0700 /image/var/lib/keygate \
 && chmod 0750 /image/run/keygate /image/run/keygate/envoy

FROM scratch
COPY --from=build /image/usr/ /usr/
COPY --from=build --chown=65532:65532 /image/var/lib/ /var/lib/
COPY --from=build --chown=65532:65532 /image/run/ /run/

ENV PATH=/usr/local/bin
USER 65532:65532

# 9494 is for Envoy, 9496 for metrics and probes: as far as the configuration lets anyone but loopback in.
EXPOSE 9494 9496
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["keygate", "health"]
ENTRYPOINT ["keygate"]
CMD ["serve"]
