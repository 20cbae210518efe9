// A cube that is cut by a plane; with classes that take JupyterLab's colours.

export default `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <path class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.2" stroke-linejoin="round"
    d="M8 1.5l6 3v7l-6 3-6-3v-7zM2 4.5l6 3 6-3M8 7.5v7"/>
  <path class="jp-icon-brand0" fill="#0d47a1" fill-opacity="0.75" d="M5 3l6 3v7l-6-3z"/>
</svg>`;
