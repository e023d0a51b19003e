# The service and the studio page, on the CPU. docs/serving.md says how it is run.
#
#   docker build -t segue .
#   docker run -p 8765:8765 -e SEGUE_TOKEN=... -v ./runs:/bundles:ro -v segue-work:/work segue
#
# EXTRAS=postgres,train adds torch and Lightning, so that trainings can be started from the page.

FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
ARG EXTRAS=postgres
RUN python -m venv /opt/segue \
    && /opt/segue/bin/pip install --no-cache-dir ".[${EXTRAS}]"

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --no-log-init --shell /usr/sbin/nologin --home-dir /work segue \
    && install --directory --owner=segue --group=segue /work /bundles
COPY --from=build /opt/segue /opt/segue
ENV PATH=/opt/segue/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001
WORKDIR /work
VOLUME /work
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/api/v1/health', timeout=2)"]
# SIGTERM finishes or hands back every accepted job; give it longer than --stop-seconds' 20 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["segue", "serve", "/bundles", "--host", "0.0.0.0", "--port", "8765", "--work", "/work"]
