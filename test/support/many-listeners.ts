import { setMaxListeners } from "node:events";

// One signal ends many loops here, as in the control plane and the agent, which raise the limit likewise.
setMaxListeners(0);
