# syntax=docker/dockerfile:1

# GraphiQL and what /docs and /redoc load, with Node from the index that the rest comes from (docs/adr/0007-graphiql.md).
FROM python:3.11-slim-bookworm AS web
ENV UV_PROJECT_ENVIRONMENT=/opt/node \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    PATH=/opt/node/bin:$PATH
RUN pip install --no-cache-dir --disable-pip-version-check "uv>=0.9,<1"
WORKDIR /build
COPY pyproject.toml uv.lock ./
COPY clients/python/pyproject.toml clients/python/
COPY clients/nautilus/pyproject.toml clients/nautilus/
RUN uv sync --frozen --only-group web --no-cache
COPY web/package.json web/package-lock.json web/
RUN npm --prefix web ci --ignore-scripts --no-audit --no-fund
COPY web web
RUN npm --prefix web run build:rest && npm --prefix web run build -- --logLevel warn

FROM python:3.11-slim-bookworm AS build
# The environment is built where it will run: its scripts name their interpreter by path.
ENV UV_PROJECT_ENVIRONMENT=/opt/purser \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
RUN pip install --no-cache-dir --disable-pip-version-check "uv>=0.9,<1"
WORKDIR /build
# The dependencies are a layer of their own, rebuilt only when the lock changes.
COPY pyproject.toml uv.lock ./
COPY clients/python/pyproject.toml clients/python/
COPY clients/nautilus/pyproject.toml clients/nautilus/
RUN uv sync --frozen --no-default-groups --no-install-project --no-cache
COPY . .
COPY --from=web /build/graphql_schema/static graphql_schema/static
COPY --from=web /build/rest_compat/static rest_compat/static
RUN uv sync --frozen --no-default-groups --no-editable --no-cache

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Purser" \
      org.opencontainers.image.description="The operations API for algorithmic trading" \
      org.opencontainers.image.licenses="Apache-2.0"
# A user with an entry in /etc/passwd: initdb asks for its own name.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin purser \
    && install --directory --owner=purser --group=purser --mode=0700 /data
COPY --from=build /opt/purser /opt/purser
ENV PATH=/opt/purser/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PURSER_HOST=0.0.0.0 \
    PURSER_PORT=8000 \
    PURSER_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PURSER_PORT'] + '/health', timeout=4)"]
# PURSER_DATABASE_URL set: that database. Unset: the embedded server, with its data in the volume.
ENTRYPOINT ["purser"]
CMD ["serve"]
