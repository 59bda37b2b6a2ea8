# turnd in a container: no root, nothing writable but its state, no capability but the one for low ports.
#
#   docker build --tag turnd .
#   docker run --network host --read-only --tmpfs /run/turnd:uid=64748,mode=0750 --cap-drop ALL \
#     --security-opt no-new-privileges --volume turnd-state:/var/lib/turnd --volume ./turnd.yaml:/etc/turnd/turnd.yaml:ro turnd
#
# Host network: a relay port per allocation (16,384 by default) is nothing to publish one by one, and the kernel's NAT of
# published ports hides the addresses of clients. docs/install.md says more. test/packages/container.test.ts runs these steps.

# ---- build: everything that npm and the compiler need, none of which goes on
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY src src
COPY conf conf
COPY docs docs
COPY LICENSE README.md CHANGELOG.md ./
RUN node_modules/.bin/tsc -p tsconfig.json
RUN node dist/conf/packaging/stage-app.js /app
RUN mkdir -p /empty/state /empty/run

# ---- run: Node and turnd. Every command is in exec form: no shell is needed, so a base image without one does as well
# (--build-arg BASE=gcr.io/distroless/nodejs24-debian12).
ARG BASE=node:24-slim
FROM ${BASE}
COPY --from=build /app /usr/lib/turnd/app
COPY --from=build --chown=64748:64748 /empty/state /var/lib/turnd
COPY --from=build --chown=64748:64748 /empty/run /run/turnd
ENV NODE_ENV=production STATE_DIRECTORY=/var/lib/turnd RUNTIME_DIRECTORY=/run/turnd
# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 64748:64748
WORKDIR /var/lib/turnd
VOLUME /var/lib/turnd
EXPOSE 3478/udp 3478/tcp 5349/tcp 49152-65535/udp
STOPSIGNAL SIGTERM
# By the control socket: it answers while turnd serves, without a port that others could reach.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "/usr/lib/turnd/app/dist/src/cli/turnctl.js", "status", "--quiet"]
ENTRYPOINT ["node", "/usr/lib/turnd/app/dist/src/main.js"]
