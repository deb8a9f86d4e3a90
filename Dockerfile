# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements requirements
# The builder's tools stay here; the environment beside them gets what runs, and not even pip.
RUN pip install --require-hashes -r requirements/build.lock \
    && python -m venv --without-pip /opt/ringbridge \
    && pip --python /opt/ringbridge install --require-hashes --only-binary :all: -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/ringbridge install --no-deps /wheels/*.whl

# Whoever breaks in finds Python, and no other program: no shell, no package tool.
FROM python:3.13-slim AS bare
COPY --from=build /opt/ringbridge /opt/ringbridge
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin ringbridge \
    && mkdir /app \
    && find /usr/local/bin -mindepth 1 ! -name python ! -name python3 ! -name python3.13 -delete \
    && rm -rf /usr/local/lib/python3.13/ensurepip /usr/local/lib/python3.13/site-packages/* \
        /usr/lib/apt /usr/lib/dpkg /usr/share/perl* /usr/lib/*/perl* /var/lib/apt /var/lib/dpkg /var/cache/* \
    && rm -rf /usr/bin /usr/sbin

# Nothing of what was removed is in a layer below.
FROM scratch
COPY --from=bare / /
ENV PATH=/opt/ringbridge/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=3001
# A brain of your own is mounted or copied here: BRAIN=brain.py:reply.
WORKDIR /app
USER 10001
EXPOSE 3001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["ringbridge"]
CMD ["serve"]
