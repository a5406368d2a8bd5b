# Node 24 runs the TypeScript as it is, so nothing is compiled: the production packages, the sources, a cache of parsed code.
#
#   docker build -t caramelo .                          the server
#   docker build -t caramelo-backup --target backup .   backup and restore, with PostgreSQL's client programs

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No package of production needs its install script; the Node that comes as a package is for machines without this image.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error && rm -rf node_modules/node-* node_modules/.bin/node
COPY server ./server
COPY migrations ./migrations
COPY scripts ./scripts

# pg_dump must be of the server's major version or newer, so this follows compose.yaml's and render.yaml's PostgreSQL.
FROM postgres:18 AS backup
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
COPY --from=packages /app ./
ENTRYPOINT []
CMD ["node", "scripts/backup.ts"]

FROM node:24-slim AS server
WORKDIR /app
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
COPY --from=packages /app ./
RUN node -e "import('./server/app/build.ts')" && mkdir -p data && chown node:node data
USER node
VOLUME ["/app/data"]
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "server/main.ts"]
