# Binaries that cargo built on this Linux machine, as an image: needs no
# registry and no compiler in Docker. The context is a folder with the three.
FROM scratch
COPY bootstrap klocal producer /
