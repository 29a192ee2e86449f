import {
  type Connection,
  connection,
  type ConnectionOptions,
  type ConnectionPorts,
  resolveHosts,
} from '@guestpass/core'
import { RESOURCE } from './provider.ts'

/** A client of the provider by which users sign in to the resource server, and stay signed in. */
export const userClient = {
  client: { id: 'public' },
  scopes: ['openid', 'offline_access', 'api:read'],
  // Without the prompt this provider gives no refresh token (OpenID Connect Core, section 11).
  authorizeParams: { resource: RESOURCE, prompt: 'consent' },
} as const satisfies Partial<ConnectionOptions>

export const REDIRECT = 'http://127.0.0.1:49152/callback'

/** A connection of the product to the provider, of which it knows the issuer alone. */
export const connected = (
  issuer: string,
  options: Omit<ConnectionOptions, 'hosts'>,
  ports: ConnectionPorts,
): Promise<Connection> => connection({ ...options, hosts: resolveHosts({ issuer }) }, ports)
