# The package on processors, with everything that it can do but build these pages.
#
#     docker build -f containers/cpu.Dockerfile -t repro:cpu .
#     docker run --rm -v "$PWD/results:/results" repro:cpu fig 5 --data embedded --out /results
#
# Files that are fetched go to /cache: mount a volume there to keep them.
FROM python:3.12-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MPLBACKEND=agg MPLCONFIGDIR=/cache/matplotlib REPRO_CACHE=/cache

WORKDIR /src
COPY requirements/lock.txt requirements/
COPY pyproject.toml README.md LICENSE ./
COPY repro repro
# The build of torch without CUDA comes from an index of its own.
RUN pip install -c requirements/lock.txt --extra-index-url https://download.pytorch.org/whl/cpu \
      "torch==$(sed -n 's/^torch==//p' requirements/lock.txt)+cpu" ".[simulate,onnx,root]" \
 && useradd --create-home repro && mkdir /cache /results && chown repro /cache /results

USER repro
WORKDIR /results
VOLUME /cache
ENTRYPOINT ["repro"]
CMD ["--help"]
