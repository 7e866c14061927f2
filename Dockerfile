# The engine as an image: command line and service on a slim base, as a user without rights; the root may be read-only.
# The base is an argument so that a site can name its own mirror.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY requirements-dev.lock requirements.lock ./
RUN python -m venv /opt/dianzhi \
 && /opt/dianzhi/bin/python -m pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
# The build tools come from the same hashed list; they stay in this stage.
RUN python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-dev.lock \
 && /opt/build/bin/python -m hatchling build -t wheel \
 && /opt/dianzhi/bin/python -m pip install --no-cache-dir --no-deps dist/*.whl

FROM ${BASE}
ENV PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/var/cache/numba LANG=C.UTF-8 \
    PYTHONPATH=/opt/dianzhi/share PATH=/opt/dianzhi/bin:$PATH
RUN useradd --create-home --uid 10001 dianzhi && install -d -o dianzhi /var/cache/numba /data
COPY --from=build /opt/dianzhi /opt/dianzhi
COPY --from=build /src/fixtures /opt/dianzhi/share/fixtures
USER dianzhi
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["dianzhi"]
CMD ["--help"]
