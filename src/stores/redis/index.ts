export { redisStore } from './redis-store.ts'
export type { RedisStoreOptions } from './options.ts'
export type { IoredisClient, NodeRedisClient, NodeRedisCluster, RedisStoreClient } from './client.ts'
