# The image of every role; `command` in docker-compose.yml says which. It runs as nobody special
# and writes only to /data.
FROM node:22-bookworm-slim AS browser
WORKDIR /app
COPY package.json package-lock.json .npmrc* ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt /tmp/
# The lock's first part; the rest is only for the tests.
RUN sed '/^# ---- from here on/,$d' /tmp/requirements.txt > /tmp/product.txt \
    && python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
       --require-hashes -r /tmp/product.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /data tambour \
    && install -d -o tambour -g tambour /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY --from=browser /app/node_modules node_modules
COPY channels channels
COPY connectors connectors
COPY dashboards dashboards
COPY hub hub
COPY config config
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    TAMBOUR_DATA=/data
USER tambour
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["python", "-m", "hub.main"]
CMD ["web"]
