import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { Socket } from 'node:net'
import { HttpFault } from '../ports/http.ts'
import { faultOf } from './fault.ts'
import { bareHost, portOf, type HttpProxy, type ProxyTarget } from './proxies.ts'
import { USER_AGENT } from './user-agent.ts'

/**
 * Opens a connection to a target through a proxy (RFC 9110, section 9.3.6). Rejects with an `HttpFault` that
 * names the proxy.
 */
export const tunnel = (proxy: HttpProxy, target: ProxyTarget, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const host = bareHost(target.hostname)
    const authority = `${host.includes(':') ? `[${host}]` : host}:${portOf(target)}`
    const request = (proxy.secure ? secureRequest : plainRequest)({
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: authority,
      agent: false,
      setHost: false,
      signal,
      headers: {
        host: authority,
        'user-agent': USER_AGENT,
        ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
      },
    })
    request.once('connect', ({ statusCode = 0 }, socket, head) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy()
        const remedy = statusCode === 407 ? '; give it a user and a password in HTTPS_PROXY' : ''
        return reject(new HttpFault('unsent', `the proxy ${proxy.origin} answered CONNECT with ${statusCode}${remedy}`))
      }
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.on('error', (error) =>
      reject(new HttpFault('unsent', `the proxy ${proxy.origin}: ${faultOf(error, 'unsent').message}`)),
    )
    request.end()
  })
