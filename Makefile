# Names people try first; each calls the npm script of the same name.
.PHONY: build test lint fmt clean check bench docs demo native

build:
	npm run build
	npm run build:native

native:
	npm run build:native

test:
	scripts/test

lint:
	npm run lint

fmt:
	npm run fmt

check:
	npm run check

bench:
	npm run bench

docs:
	npm run docs

demo:
	scripts/demo

clean:
	npm run clean
