/**
 * The one place that imports uWebSockets.js. The package is a repack of the upstream binaries under an
 * npm name; see docs/adr for why, and for the official git tag as the drop-in replacement.
 * A uWebSockets.js app lives on the main thread only and is closed before its thread ends: a listening
 * app aborts the process otherwise.
 */
import uws from 'uWebSockets.js'

export type {
  HttpRequest,
  HttpResponse,
  RecognizedString,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
  WebSocket,
  WebSocketBehavior
} from 'uWebSockets.js'
export default uws
