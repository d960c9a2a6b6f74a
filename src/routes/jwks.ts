import type { JsonValue } from '../core/token/json.ts'
import { defineRoute } from './route.ts'
import { jwksResponse } from './schemas.ts'

const MEDIA_TYPE = 'application/jwk-set+json'

/** How long a verifier may keep the set; a next key is to be published at least so long before it signs. */
const CACHE_SECONDS = 300

export const jwks = defineRoute({
  method: 'GET',
  path: '/.well-known/jwks.json',
  fromRoot: true,
  operation: 'jwks',
  summary: 'The public keys (RFC 7517 §5)',
  answer: { status: 200, schema: jwksResponse, mediaType: MEDIA_TYPE },
  refusals: [],
  handle: ({ context }) => ({
    status: 200,
    // A JWK Set is JSON by its definition.
    body: context.auth.jwks() as unknown as JsonValue,
    headers: { 'content-type': MEDIA_TYPE, 'cache-control': `public, max-age=${CACHE_SECONDS}` },
  }),
})
