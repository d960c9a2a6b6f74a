import { test } from 'vitest'
import { revocationLogConformance } from '../../src/testing/revocation-log-conformance.ts'
import { openMemory, openReplicated, openSqliteFile, openSqlitePair } from './stores-under-test.ts'

revocationLogConformance(test, 'memory', openMemory)
revocationLogConformance(test, 'sqlite', openSqliteFile)
revocationLogConformance(test, 'sqlite, two handles on one file', openSqlitePair)
revocationLogConformance(test, 'memory, bounded and replicated', openReplicated)
