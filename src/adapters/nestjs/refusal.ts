import { Catch, HttpException } from '@nestjs/common'
import { AUTH_ERRORS } from '../../core/errors.ts'
import type { Refusal } from '../../core/request/refusal.ts'
import { addCookies, forgetRenewed } from '../node-cookies.ts'
import { writeRefusal } from '../node-http.ts'
import { nodeResponse } from './platform.ts'
import type { NestHost } from './types.ts'

/** What a filter is to see of a body: members where it is a JSON object, the text itself where a hook has made another. */
const readBody = (body: string): object | string => {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : body
  } catch {
    return body
  }
}

/** A refusal as NestJS knows it: filters of the application see its status and its body like those of any other. */
class RefusalException extends HttpException {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(readBody(refusal.body), refusal.status)
    this.refusal = refusal
    this.message = AUTH_ERRORS[refusal.code].message
  }
}

/**
 * Refuses by throwing. The headers are on the response by then, so that whichever filter answers, one of the
 * application's own included, the challenge goes out with the status.
 */
export const refuse = (host: NestHost, refusal: Refusal): never => {
  const response = host.switchToHttp().getResponse()
  forgetRenewed(nodeResponse(response))
  for (const [name, value] of Object.entries(refusal.headers)) {
    // Of what type the body is, whoever writes it knows best.
    if (name !== 'content-type') response.header(name, value)
  }
  // Of cookies Fastify keeps all that are set so; Express would keep the last.
  if ('raw' in response) for (const cookie of refusal.cookies) response.header('set-cookie', cookie)
  else addCookies(response, refusal.cookies)
  throw new RefusalException(refusal)
}

interface FastifyReply {
  code(status: number): unknown
  header(name: string, value: string): unknown
  send(payload: Uint8Array): unknown
}

const isFastify = (response: object): response is FastifyReply => 'raw' in response

/**
 * Answers a refusal to the letter, where NestJS's own filter would add a charset that JSON does not have (RFC 8259 §11).
 * Filters of routes, of controllers and of `useGlobalFilters` come before it, as NestJS orders them.
 */
export class RefusalFilter {
  catch({ refusal }: RefusalException, host: NestHost): void {
    const response = host.switchToHttp().getResponse()
    if (isFastify(response)) {
      response.code(refusal.status)
      for (const [name, value] of Object.entries(refusal.headers)) response.header(name, value)
      // Bytes: to text Fastify adds a charset too.
      response.send(Buffer.from(refusal.body))
    } else {
      // The cookies are on the response already.
      writeRefusal(nodeResponse(response), { ...refusal, cookies: [] })
    }
  }
}

Catch(RefusalException)(RefusalFilter)
