import { defineConfig } from 'vitest/config'

/** Of the long campaign (campaign.mjs, which builds first). */
// oxlint-disable-next-line import/no-default-export -- as vitest wants it
export default defineConfig({
  test: {
    include: ['test/faults/campaign.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
})
