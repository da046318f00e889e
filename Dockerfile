# The image of the agent: a Node binary, the libraries it is linked with, and the bundle. No shell, no package
# manager, nothing to write to. NODE_IMAGE is the one image that has to be had; any Debian-like one with Node 24 does.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-progress
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
COPY agent agent
COPY manifests/examples/quickstart manifests/examples/quickstart
# The code cache is for the V8 and the flags that it was made with: once more, by the Node of the image.
RUN npm run build && node scripts/code-cache.ts

FROM ${NODE_IMAGE} AS root
# What the binary is linked with, found by asking it; the name service is part of glibc itself.
RUN set -eu; \
  node=$(readlink -f "$(command -v node)"); \
  mkdir -p /root-fs/app /root-fs/usr/local/bin /root-fs/etc; \
  cp "$node" /root-fs/usr/local/bin/node; \
  ldd "$node" | grep -o '/[^ ]*' | while read -r library; do \
    mkdir -p "/root-fs$(dirname "$library")"; cp -L "$library" "/root-fs$library"; \
  done; \
  echo 'agent:x:65532:65532:agent:/nonexistent:/sbin/nologin' >/root-fs/etc/passwd; \
  echo 'agent:x:65532:' >/root-fs/etc/group; \
  echo 'hosts: files dns' >/root-fs/etc/nsswitch.conf
COPY --from=build /src/dist /root-fs/app

FROM scratch
LABEL org.opencontainers.image.title="external-secrets-agent" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=root /root-fs /
# One malloc arena and two pool threads: the agent waits for networks, and memory is what a pod pays for. What is
# larger than 32 KiB goes back to the system when it is freed: what the start reads, and what V8 compiles in.
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=32768 MALLOC_TRIM_THRESHOLD_=65536 UV_THREADPOOL_SIZE=2
USER 65532:65532
# Whoever may signal the process could open Node's debugger by SIGUSR1, and read secrets there.
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=1", "--v8-pool-size=1", "--disable-sigusr1", "/app/main.cjs"]
CMD ["run"]
