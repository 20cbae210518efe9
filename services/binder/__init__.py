"""The web service: pages, REST and event streams over the library. Handlers parse, call, answer."""
