from fastapi import APIRouter

router = APIRouter()


def install(app):
    pass
