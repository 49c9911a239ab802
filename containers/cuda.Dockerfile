# The package on NVIDIA GPUs.
#
#     docker build -f containers/cuda.Dockerfile -t repro:cuda .
#     docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/results" repro:cuda fig 5 --device cuda
#
# The wheels of torch bring the CUDA libraries that they need; of the machine they need the driver.
FROM python:3.12-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MPLBACKEND=agg MPLCONFIGDIR=/cache/matplotlib REPRO_CACHE=/cache \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    CUBLAS_WORKSPACE_CONFIG=:4096:8

# The commit that the image is of: results name it.
ARG REVISION=
ENV REPRO_COMMIT=$REVISION
LABEL org.opencontainers.image.revision=$REVISION

WORKDIR /src
COPY requirements/lock.txt requirements/
COPY pyproject.toml README.md LICENSE ./
COPY repro repro
RUN pip install -c requirements/lock.txt ".[simulate,onnx,root,cluster]" \
 && useradd --create-home repro && mkdir --mode=1777 /cache /results

USER repro
WORKDIR /results
VOLUME /cache
ENTRYPOINT ["repro"]
CMD ["--help"]
