# `regard serve`: exported models over HTTP, without PyTorch; with --build-arg TORCH=yes run folders too.
#
#     docker build -f docker/server.Dockerfile -t regard-server .
#     docker run --rm --read-only --tmpfs /tmp -p 8000:8000 -v "$PWD/model:/models/model:ro" -v "$PWD/token:/run/secrets/token:ro" regard-server
#
# The token is a file with one line of at least 16 characters, which the user 10001 may read; clients send `Authorization: Bearer TOKEN`.
# /tmp is written to with --workers alone.
ARG PYTHON=3.13

# not -slim: the loops that play exported models are compiled here
FROM python:${PYTHON} AS build
ARG TORCH=no
# PyTorch's own index of its builds for the CPU: those of PyPI bring some gigabytes for graphics cards
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /source
COPY pyproject.toml setup.py README.md LICENSE constraints.txt ./
COPY runtime/building.py runtime/
COPY docker/needs.py docker/
COPY src src
ENV PIP_PYTHON=/opt/regard/bin/python
RUN python -m venv --without-pip /opt/regard && python docker/needs.py "$TORCH" > needs.txt \
    && if [ "$TORCH" = yes ]; then set -- --extra-index-url "$TORCH_INDEX" -c constraints.txt; else set --; fi \
    && pip install --no-cache-dir "$@" -r needs.txt \
    && pip install --no-cache-dir --no-deps .

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="regard-server" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/regard /opt/regard
ENV PATH=/opt/regard/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/nonexistent
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["regard", "serve", "--host", "0.0.0.0", "--port", "8000", "--token", "/run/secrets/token"]
CMD ["/models/model"]
