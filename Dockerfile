# One image for migration, API and worker; the command chooses. Dependencies come from the hashed lock, without the embedded servers.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /opt/venv
COPY requirements/ requirements/
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.lock \
 && /opt/venv/bin/uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python --require-hashes -r requirements/server.lock
COPY pyproject.toml README.md LICENSE worker.py ./
COPY ingestio/ ingestio/
COPY workflows/ workflows/
COPY activities/ activities/
COPY api/ api/
COPY migrations/ migrations/
RUN /opt/venv/bin/uv pip install --no-cache --python /opt/venv/bin/python --no-deps --no-build-isolation --editable . \
 && /opt/venv/bin/python -m compileall -q /app

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 ingestio \
 && useradd --system --uid 10001 --gid 10001 --create-home ingestio \
 && install -d -o ingestio -g ingestio /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER ingestio
# Nothing is written outside /data and /tmp, so the root file system may be read-only; byte code was compiled above.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 INGESTIO_DATA_DIR=/data INGESTIO_HOST=0.0.0.0
EXPOSE 8000
ENTRYPOINT ["ingestio"]
CMD ["api"]
