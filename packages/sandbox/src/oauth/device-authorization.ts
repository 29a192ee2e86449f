import type { Call, Endpoint } from '../endpoint.ts'
import type { Client } from './clients.ts'
import { DEVICE_INTERVAL, DEVICE_LIFETIME, type DeviceCodes } from './device-codes.ts'
import { type Form, formBody } from './form.ts'
import { userScopes } from './scopes.ts'

export interface DeviceAuthorizationParts {
  readonly issuer: () => string
  readonly codes: DeviceCodes
  readonly authenticate: (call: Call, form: Form) => Client
}

/** `POST /oauth/device_authorization` and its alias: RFC 8628 section 3.1. */
export function deviceAuthorization({ issuer, codes, authenticate }: DeviceAuthorizationParts): Endpoint {
  return {
    operation: 'device',
    method: 'POST',
    paths: ['/oauth/device_authorization', '/api/v2/oauth/device_authorization'],
    dialect: 'oauth',
    answer: (call) => {
      const form = formBody(call)
      const client = authenticate(call, form)
      const { text, code } = codes.issue(client, userScopes(client, form['scope']))
      const page = `${issuer()}/device`
      return {
        status: 200,
        headers: { 'cache-control': 'no-store' },
        json: {
          device_code: text,
          user_code: code.userCode,
          verification_uri: page,
          verification_uri_complete: `${page}?user_code=${code.userCode}`,
          expires_in: DEVICE_LIFETIME,
          interval: DEVICE_INTERVAL,
        },
      }
    },
  }
}
