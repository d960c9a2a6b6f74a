import { test } from 'vitest'
import { sessionStoreConformance } from '../../src/testing/session-store-conformance.ts'
import { openMemory, openReplicated, openSqliteFile, openSqlitePair } from './stores-under-test.ts'

sessionStoreConformance(test, 'memory', openMemory)
sessionStoreConformance(test, 'sqlite', openSqliteFile)
sessionStoreConformance(test, 'sqlite, two handles on one file', openSqlitePair)
sessionStoreConformance(test, 'memory, bounded and replicated', openReplicated)
