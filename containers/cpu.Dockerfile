# The package on processors, with everything that it can do but build these pages.
#
#     docker build -f containers/cpu.Dockerfile -t repro:cpu .
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/results" repro:cpu fig 5 --data embedded
#
# Files that are fetched go to /cache: mount a volume there to keep them.
FROM python:3.12-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MPLBACKEND=agg MPLCONFIGDIR=/cache/matplotlib REPRO_CACHE=/cache

# The commit that the image is of: results name it.
ARG REVISION=
ENV REPRO_COMMIT=$REVISION
LABEL org.opencontainers.image.revision=$REVISION

WORKDIR /src
COPY requirements/lock.txt requirements/
COPY pyproject.toml README.md LICENSE ./
COPY repro repro
# The build of torch without CUDA comes from an index of its own.
RUN pip install --index-url https://download.pytorch.org/whl/cpu \
      "torch==$(sed -n 's/^torch==//p' requirements/lock.txt)" \
 && pip install -c requirements/lock.txt ".[simulate,onnx,root,cluster]" \
 && useradd --create-home repro && mkdir --mode=1777 /cache /results

USER repro
WORKDIR /results
VOLUME /cache
ENTRYPOINT ["repro"]
CMD ["--help"]
