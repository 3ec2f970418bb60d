# What answers with exported models, line by line, without PyTorch: numpy, safetensors, tokenizers.
#
#     docker build -f docker/runtime.Dockerfile -t regard-runtime .
#     docker run --rm -i --read-only -v "$PWD/model:/model:ro" regard-runtime /model < new.txt > answers.txt
ARG PYTHON=3.13

# not -slim: it has the compiler for the loops that models are played by
FROM python:${PYTHON} AS build
WORKDIR /source
COPY src src
COPY runtime runtime
ENV PIP_PYTHON=/opt/regard/bin/python
RUN python -m venv --without-pip /opt/regard && pip install --no-cache-dir ./runtime && pip check

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="regard-runtime" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/regard /opt/regard
ENV PATH=/opt/regard/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOME=/nonexistent
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=10s CMD ["python", "-c", "import regard_runtime"]
ENTRYPOINT ["regard-run"]
CMD ["--help"]
