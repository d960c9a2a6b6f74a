import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    // Tests run against the sources; test/package runs against the packed tarball.
    alias: [
      { find: /^jotward$/, replacement: source('index.ts') },
      {
        find: /^jotward\/(express|hono|fetch|node|fastify|koa|h3|elysia|nestjs|ws)$/,
        replacement: source('adapters/$1.ts'),
      },
      {
        find: /^jotward\/(routes|testing|stores|stores\/memory|stores\/sqlite|stores\/postgres|stores\/bounded|stores\/redis|stores\/replicated)$/,
        replacement: source('$1/index.ts'),
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Tests that start processes run what is built.
    globalSetup: ['test/globals.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One for each core: by default vitest keeps one free, which on two cores doubles the time.
    maxWorkers: '100%',
  },
})
