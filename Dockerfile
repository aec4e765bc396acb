# The service, without torch: docker compose up, or docker build -t crm-rl . && docker run -p 127.0.0.1:8000:8000 crm-rl
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1
WORKDIR /app

# What the service imports, in the versions that the book pins; psycopg for a log in Postgres.
COPY requirements.txt requirements-book.txt ./
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN grep -hE '^(PyYAML|SQLAlchemy|fastapi|httptools|numba|numpy|openpyxl|pandas|pandera|pycountry|scipy|uvicorn|uvloop)==' \
        requirements.txt requirements-book.txt > service.txt \
    && pip install --no-cache-dir -r service.txt 'psycopg[binary]==3.3.9'

COPY crm_rl crm_rl
COPY data data
RUN useradd --create-home --uid 1000 service && mkdir -p data/decisions && chown service data/decisions
# By number: a cluster that refuses root cannot tell who a name is.
USER 1000
VOLUME /app/data/decisions

EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"]
CMD ["python", "-m", "crm_rl", "serve", "--host", "0.0.0.0"]
