import { killedProcesses, killedServers } from './f01-killed-processes.ts'
import { redisKilled } from './f02-redis-killed.ts'
import { redisFailover } from './f03-redis-failover.ts'
import { redisFailoverLocal } from './f04-redis-failover-local.ts'
import { postgresKilled } from './f05-postgres-killed.ts'
import { storeUnreachable } from './f06-store-unreachable.ts'
import { redisTwoSides } from './f07-redis-two-sides.ts'
import { redisDiskFull } from './f08-redis-disk-full.ts'
import { wrongClocks } from './f09-wrong-clocks.ts'
import { slowStore } from './f10-slow-store.ts'
import { redisEvicting } from './f11-redis-evicting.ts'
import { disturbedLog } from './f12-disturbed-log.ts'
import { rollingDeploy } from './f14-rolling-deploy.ts'
import { stoppedProcess } from './f16-stopped-process.ts'
import { redisIsolatedPrimary } from './f18-redis-isolated-primary.ts'
import { revocationLatency } from './revocation-latency.ts'
import type { Fault } from './harness/fault.ts'

/** Every fault that is tried, in the order of docs/reliability.md. To add one, write a file of its kind and name it here. */
export const FAULTS: readonly Fault[] = [
  killedProcesses,
  killedServers,
  redisKilled,
  redisFailover,
  redisFailoverLocal,
  postgresKilled,
  storeUnreachable,
  redisTwoSides,
  redisDiskFull,
  wrongClocks,
  slowStore,
  redisEvicting,
  disturbedLog,
  rollingDeploy,
  stoppedProcess,
  redisIsolatedPrimary,
]

/** Measured in the campaign alone: twenty processes are too many for `npm test`. */
export const MEASUREMENTS: readonly Fault[] = [revocationLatency('PostgreSQL'), revocationLatency('Redis')]
