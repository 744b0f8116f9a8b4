"""The faces: what people see. Server-rendered pages, small enhancements, no build step."""
